'use strict';

/** The depth of one joint of the selected person over time; a click goes to that time. */
class DepthCurves {
  constructor(data, onTime) {
    Object.assign(this, { data, onTime, hidden: new Set() });
    this.element = document.getElementById('depth-curves');
    this.cursor = document.getElementById('cursor');
  }

  async select(track, joint, frame) {
    const { times, stages } = this.data;
    this.stages = stages.filter((stage) => stage.key in track.poses);
    const x = times.slice(track.start, track.end);
    const traces = this.stages.map(({ key, name, color }) => ({
      name, x, y: x.map((_, index) => track.joint(key, track.start + index, joint)[2]), mode: 'lines',
      line: { color, width: key === 'refined' ? 2.2 : 1.5 }, visible: !this.hidden.has(key),
      hovertemplate: '%{y:.0f} mm',
    }));
    const bound = (before, after) => (times[Math.max(before, 0)] + times[Math.min(after, times.length - 1)]) / 2;
    const gaps = track.gaps().map(([first, last]) => ({
      type: 'rect', yref: 'paper', y0: 0, y1: 1, x0: bound(first - 1, first), x1: bound(last, last + 1),
      line: { width: 0 }, fillcolor: '#e0a100', opacity: 0.18, layer: 'below',
    }));
    await Plotly.react(this.element, traces, this.layout(gaps), {
      responsive: true, displayModeBar: false,
    });
    this.draw(frame);
    for (const event of ['plotly_click', 'plotly_relayout']) this.element.removeAllListeners(event);
    this.element.on('plotly_relayout', () => this.draw(this.frame));
    this.element.on('plotly_click', ({ points }) => this.onTime(points[0].x));
  }

  /** Moves the cursor, an element over the plot, since redrawing long curves takes too long. */
  draw(frame) {
    this.frame = frame;
    if (!this.element.layout) return; // not plotted yet
    const [first, last] = this.element.layout.xaxis.range;
    const at = (this.data.times[frame] - first) / (last - first);
    this.cursor.style.setProperty('--at', at);
    this.cursor.hidden = at < 0 || at > 1;
  }

  async setHidden(stage, hidden) {
    this.hidden[hidden ? 'add' : 'delete'](stage);
    await Plotly.restyle(this.element, { visible: this.stages.map(({ key }) => !this.hidden.has(key)) });
  }

  layout(shapes) {
    const axis = (text) => ({
      title: { text, standoff: 8 }, gridcolor: themeColor('line'), zerolinecolor: themeColor('line'),
    });
    return {
      shapes, margin: { l: 58, r: 10, t: 4, b: 42 }, paper_bgcolor: 'rgba(0,0,0,0)', plot_bgcolor: 'rgba(0,0,0,0)',
      font: { color: themeColor('soft'), size: 12 }, hovermode: 'x unified', hoverdistance: -1, showlegend: false,
      dragmode: matchMedia('(pointer: fine)').matches && 'zoom', // on touch screens dragging scrolls
      hoverlabel: { bgcolor: themeColor('card'), font: { color: themeColor('ink') } },
      xaxis: { ...axis('time (s)'), range: [0, Math.max(this.data.times.at(-1), 1e-3)], hoverformat: '.2f' },
      yaxis: { ...axis('depth (mm)'), fixedrange: true },
    };
  }
}
