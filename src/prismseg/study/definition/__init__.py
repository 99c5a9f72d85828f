"""What a study is: its file, its grid, and the runs that the grid consists of."""
