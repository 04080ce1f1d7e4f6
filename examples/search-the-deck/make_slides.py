"""Puts slides into the bucket of the running example: `python make_slides.py 1000`.

Uses boto3 and the credentials in the environment, as any tool for AWS does; the README shows those of the local cloud.
"""

from __future__ import annotations

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import boto3
from botocore.config import Config

WIDTH, HEIGHT = 96, 72
COLOURS = ("amber", "blue", "crimson", "denim", "ebony")


def slide(number: int) -> bytes:
    """A grey image (PGM) whose comments hold what is printed on it."""
    comments = f"# Slide n{number:04d}\n# the {COLOURS[number % len(COLOURS)]} chart\n"
    pixels = bytes((number + row + column) % 256 for row in range(HEIGHT) for column in range(WIDTH))
    return f"P5\n{comments}{WIDTH} {HEIGHT} 255\n".encode() + pixels


def main(count: int) -> None:
    asked = ["klotho", "outputs", "slides.bucket"]
    bucket = subprocess.run(asked, capture_output=True, text=True, check=True).stdout.strip()
    s3 = boto3.client("s3", config=Config(s3={"addressing_style": "path"}, max_pool_connections=16))

    def put(number: int) -> None:
        s3.put_object(Bucket=bucket, Key=f"n{number:04d}.pgm", Body=slide(number))

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(put, range(count)))
    print(f"{count} slides are in {bucket}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 1000)
