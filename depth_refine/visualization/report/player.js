'use strict';

/**
 * Keeps the current frame. It follows the video while that plays, or its own clock without a video. It calls `onFrame`
 * for each new frame, and `onState` when it starts and stops.
 */
class Player {
  constructor(times, video, onFrame, onState) {
    Object.assign(this, { times, video, onFrame, onState, frame: 0, playing: false, speed: 1 });
    video?.addEventListener('ended', () => { this.frame = times.length - 1; this.pause(); });
    video?.addEventListener('pause', () => this.playing && !video.ended && this.pause());
  }

  toggle() {
    if (this.playing) this.pause();
    else this.play();
  }

  play() {
    if (this.frame === this.times.length - 1) this.seek(0);
    this.playing = true;
    this.onState();
    this.clock = { started: performance.now(), from: this.times[this.frame] };
    if (this.video) {
      this.video.playbackRate = this.speed;
      this.video.play().catch(() => this.pause());
    }
    requestAnimationFrame(() => this.tick());
  }

  pause() {
    this.playing = false;
    this.video?.pause();
    this.seek(this.frame);
    this.onState();
  }

  setSpeed(speed) {
    this.speed = speed;
    if (this.video) this.video.playbackRate = speed;
    this.clock = { started: performance.now(), from: this.times[this.frame] };
  }

  /** Shows a frame; if playing, continues from there. */
  seek(frame) {
    const last = this.times.length - 1;
    this.frame = Math.min(Math.max(frame, 0), last);
    const time = this.times[this.frame];
    this.clock = { started: performance.now(), from: time };
    // Seeks into the frame, since rounding may put its start into the frame before.
    const next = this.frame < last ? this.times[this.frame + 1] : time;
    if (this.video) this.video.currentTime = time + (next - time) / 4;
    this.onFrame(this.frame);
  }

  tick() {
    if (!this.playing) return;
    const elapsed = ((performance.now() - this.clock.started) / 1000) * this.speed;
    const frame = this.frameAt(this.video ? this.video.currentTime : this.clock.from + elapsed);
    if (frame !== this.frame) {
      this.frame = frame;
      this.onFrame(frame);
    }
    if (!this.video && frame === this.times.length - 1) this.pause();
    else requestAnimationFrame(() => this.tick());
  }

  /** The last frame at or before a time. */
  frameAt(time) {
    let [low, high] = [0, this.times.length - 1];
    while (low < high) {
      const middle = Math.ceil((low + high) / 2);
      if (this.times[middle] <= time) low = middle;
      else high = middle - 1;
    }
    return low;
  }
}
