package main

import (
	"fmt"
	"math"
	"strings"
	"time"
)

// The plot's frame, in pixels. Both axes are logarithmic.
const left, right, top, bottom = 70, 560, 40, 320

// draw makes an SVG of the time that cold loads take by the length of their streams.
func draw(rows []loadRow) []byte {
	shortest, longest := rows[0], rows[len(rows)-1]
	decade := func(took time.Duration) float64 { return math.Log10(took.Seconds() * 1000) } // of milliseconds
	lowest := math.Floor(decade(min(shortest.With.Took, shortest.Whole.Took)))
	highest := math.Ceil(decade(longest.Whole.Took))
	x := func(events int) float64 {
		from, to := math.Log10(float64(shortest.Events)), math.Log10(float64(longest.Events))
		return left + (right-left)*(math.Log10(float64(events))-from)/(to-from)
	}
	y := func(decade float64) float64 { return bottom - (bottom-top)*(decade-lowest)/(highest-lowest) }

	var b strings.Builder
	b.WriteString(`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 720 370" font-family="sans-serif" font-size="13" fill="#333">
<rect width="720" height="370" fill="#fff"/>
<text x="20" y="22" font-weight="bold">Cold load, by the number of events (both axes logarithmic)</text>
`)
	for d := lowest; d <= highest; d++ {
		fmt.Fprintf(&b, `<path d="M%d %.1fH%d" stroke="#ddd"/><text x="%d" y="%.1f" text-anchor="end">%v</text>`+"\n",
			left, y(d), right, left-8, y(d)+4, time.Duration(math.Pow(10, d)*float64(time.Millisecond)))
	}
	for _, r := range rows {
		fmt.Fprintf(&b, `<text x="%.1f" y="%d" text-anchor="middle">%s</text>`+"\n", x(r.Events), bottom+22, thousands(r.Events))
	}
	for _, line := range []struct {
		name, color string
		took        func(loadRow) time.Duration
	}{
		{"without snapshot", "#c0392b", func(r loadRow) time.Duration { return r.Whole.Took }},
		{"with snapshot", "#1f6feb", func(r loadRow) time.Duration { return r.With.Took }},
	} {
		var points []string
		for _, r := range rows {
			points = append(points, fmt.Sprintf("%.1f,%.1f", x(r.Events), y(decade(line.took(r)))))
		}
		fmt.Fprintf(&b, `<polyline points="%s" fill="none" stroke="%s" stroke-width="2.5"/>`+"\n", strings.Join(points, " "), line.color)
		fmt.Fprintf(&b, `<text x="%d" y="%.1f" fill="%s">%s</text>`+"\n", right+10, y(decade(line.took(longest)))+4, line.color, line.name)
	}
	b.WriteString("</svg>\n")
	return []byte(b.String())
}
