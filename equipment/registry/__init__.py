"""The registry (设备台账): units, organisations, people, their codes and places."""
