"""双重预防: risk of a unit with its parts, credit of a firm, 双随机 draws and what inspections found."""
