"""使用单位职责 (总局令第74号): daily checks, weekly reports, monthly minutes."""
