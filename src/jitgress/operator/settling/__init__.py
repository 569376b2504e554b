"""Settling: closed requests that nothing is left to do about are said to be settled, and followed no more."""
