"""What the recipes have in common: reading, scaling, checking and counting a user's photos and labels."""
