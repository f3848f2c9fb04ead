"""Checks of what others send: does every figure follow from its counts, and do they fit together?"""
