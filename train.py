"""python train.py model=convtranspose kernel=5"""

from colourize.__main__ import train

if __name__ == "__main__":
    train()
