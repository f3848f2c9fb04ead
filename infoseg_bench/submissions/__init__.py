"""Label maps made by other software: reading, checking and scoring them as external rows of a leaderboard."""
