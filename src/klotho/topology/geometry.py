"""Points, sizes and boxes of a picture, in whole pixels from its upper left corner."""

from __future__ import annotations

from typing import NamedTuple


class Point(NamedTuple):
    x: int
    y: int

    def moved(self, right: int, down: int) -> Point:
        return Point(self.x + right, self.y + down)


class Size(NamedTuple):
    width: int
    height: int


class Box(NamedTuple):
    x: int
    y: int
    width: int
    height: int

    @property
    def right(self) -> int:
        return self.x + self.width

    @property
    def bottom(self) -> int:
        return self.y + self.height

    def moved(self, right: int, down: int) -> Box:
        return self._replace(x=self.x + right, y=self.y + down)

    def overlaps(self, other: Box) -> bool:
        """Whether they share an area; boxes that only touch do not."""
        return self.x < other.right and other.x < self.right and self.y < other.bottom and other.y < self.bottom

    def contains(self, other: Box) -> bool:
        return self.x <= other.x and self.y <= other.y and other.right <= self.right and other.bottom <= self.bottom

    def crossed_by(self, start: Point, end: Point) -> bool:
        """Whether a horizontal or vertical line goes through the inside."""
        left, right = sorted((start.x, end.x))
        upper, lower = sorted((start.y, end.y))
        return left < self.right and right > self.x and upper < self.bottom and lower > self.y
