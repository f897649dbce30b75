"""维保项目表: TSG T5002-2017 annexes A to D as data."""
