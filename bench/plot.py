# SPDX-License-Identifier: MIT
"""One small SVG line chart: a logarithmic x axis, a y axis from zero."""
import math

WIDTH, HEIGHT = 640, 300
LEFT, RIGHT, TOP, BOTTOM = 60, 20, 40, 45
STYLE = 'font-family="sans-serif" font-size="12" fill="#222"'


def _step(top):
    """A round distance of grid lines: four to ten of them below top."""
    unit = 10 ** math.floor(math.log10(top))
    return next(unit * f for f in (0.1, 0.2, 0.5, 1)
                if top / (unit * f) <= 10)


class Axes:
    def __init__(self, points):
        xs, ys = zip(*points)
        self.low = math.log10(min(xs))
        self.span = math.log10(max(xs)) - self.low or 1
        self.top = max(ys) * 1.25

    def x(self, value):
        inner = WIDTH - LEFT - RIGHT
        return LEFT + (math.log10(value) - self.low) / self.span * inner

    def y(self, value):
        return HEIGHT - BOTTOM - value / self.top * (HEIGHT - TOP - BOTTOM)


def _text(x, y, words, anchor='middle'):
    return (f'<text x="{x:.0f}" y="{y:.0f}" text-anchor="{anchor}" '
            f'{STYLE}>{words}</text>')


def _grid(axes):
    out, step = [], _step(axes.top)
    for k in range(int(axes.top / step) + 1):
        y = axes.y(k * step)
        out.append(f'<path d="M{LEFT} {y:.1f}H{WIDTH - RIGHT}" '
                   'stroke="#ddd"/>')
        out.append(_text(LEFT - 8, y + 4, f'{k * step:g}', 'end'))
    for e in range(math.ceil(axes.low),
                   math.floor(axes.low + axes.span + 1e-9) + 1):
        x = axes.x(10 ** e)
        out.append(f'<path d="M{x:.1f} {TOP}V{HEIGHT - BOTTOM}" '
                   'stroke="#ddd"/>')
        out.append(_text(x, HEIGHT - BOTTOM + 18, f'{10 ** e:,}'))
    return out


def write(path, title, labels, points):
    """points: (x, y); labels: of the x axis and of the y axis."""
    axes = Axes(points)
    line = ' '.join(f'{axes.x(x):.1f},{axes.y(y):.1f}' for x, y in points)
    out = [f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" '
           f'height="{HEIGHT}" viewBox="0 0 {WIDTH} {HEIGHT}">',
           '<rect width="100%" height="100%" fill="#fff"/>',
           _text(WIDTH / 2, 22, title), *_grid(axes),
           _text(WIDTH / 2, HEIGHT - 8, labels[0]),
           _text(LEFT, TOP - 6, labels[1]),
           f'<polyline points="{line}" fill="none" stroke="#0a5" '
           'stroke-width="2"/>']
    out += [f'<circle cx="{axes.x(x):.1f}" cy="{axes.y(y):.1f}" r="3" '
            'fill="#0a5"/>' for x, y in points]
    with open(path, 'w') as f:
        f.write('\n'.join(out) + '\n</svg>\n')
