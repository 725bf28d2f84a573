'use strict';

/** The data of one person, by frame number of the video. */
class Track {
  constructor(data, numJoints) {
    this.id = data.id;
    this.numJoints = numJoints;
    this.start = data.start;
    this.color = data.color;
    this.interpolated = data.interpolated;
    this.end = data.start + data.interpolated.length;
    this.poses = Object.fromEntries(Object.entries(data.poses).map(([key, text]) => [key, floats(text)]));
    this.keypoints = floats(data.keypoints);
  }

  has(frame) {
    return frame >= this.start && frame < this.end;
  }

  isInterpolated(frame) {
    return this.has(frame) && Boolean(this.interpolated[frame - this.start]);
  }

  /** [x, y, z] in mm of a joint, camera axes. */
  joint(stage, frame, joint) {
    const at = ((frame - this.start) * this.numJoints + joint) * 3;
    return this.poses[stage].subarray(at, at + 3);
  }

  /** [u, v] in pixels of a joint. */
  keypoint(frame, joint) {
    const at = ((frame - this.start) * this.numJoints + joint) * 2;
    return this.keypoints.subarray(at, at + 2);
  }

  /** Runs [first, last] of interpolated frames. */
  gaps() {
    const gaps = [];
    this.interpolated.forEach((guessed, index) => {
      if (!guessed) return;
      const frame = this.start + index;
      if (gaps.length && gaps.at(-1)[1] === frame - 1) gaps.at(-1)[1] = frame;
      else gaps.push([frame, frame]);
    });
    return gaps;
  }
}

function bytes(base64) {
  const text = atob(base64);
  const result = new Uint8Array(text.length);
  for (let index = 0; index < text.length; index++) result[index] = text.charCodeAt(index);
  return result;
}

function floats(base64) {
  return new Float32Array(bytes(base64).buffer);
}

/** A colour of the style sheet, which has a light and a dark scheme. */
function themeColor(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
}
