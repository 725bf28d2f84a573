'use strict';

(() => {
  const byId = (id) => document.getElementById(id);
  const data = JSON.parse(byId('data').textContent);
  const tracks = data.tracks.map((track) => new Track(track, data.joints.length));
  const videoView = byId('video') && new VideoView(data, tracks);
  const poseView = new PoseView(data);
  const depthCurves = new DepthCurves(data, (time) => player.seek(player.frameAt(time)));
  const player = new Player(data.times, videoView?.video, show, () => {
    byId('play').classList.toggle('playing', player.playing);
    byId('play').setAttribute('aria-label', player.playing ? 'Pause' : 'Play');
  });
  let track = tracks[0];
  let work = Promise.resolve();
  let waiting = false;

  /** Plots draw one after the other. */
  function enqueue(job) {
    work = work.then(job);
  }

  /** Shows a frame: fast views at once, the 3D view when it is ready, skipping frames in between. */
  function show(frame) {
    const guessed = track.isInterpolated(frame) ? ', interpolated' : track.has(frame) ? '' : ', not seen';
    byId('slider').value = frame;
    byId('clock').textContent = `${data.times[frame].toFixed(2)} s, frame ${frame}${guessed}`;
    videoView?.draw(frame, track);
    depthCurves.draw(frame);
    if (waiting) return;
    waiting = true;
    enqueue(() => {
      waiting = false;
      return poseView.draw(player.frame);
    });
  }

  function selectPerson() {
    track = tracks[byId('person').value];
    drawPresence();
    enqueue(() => poseView.select(track, player.frame));
    selectJoint();
    enqueue(() => show(player.frame));
  }

  function selectJoint() {
    enqueue(() => depthCurves.select(track, Number(byId('joint').value), player.frame));
  }

  /** Marks the frames with this person, and the interpolated ones among them, under the slider. */
  function drawPresence() {
    const count = data.times.length;
    const bar = (first, last, name) => {
      const span = document.createElement('span');
      span.className = name;
      span.style.cssText = `left: ${(100 * first) / count}%; width: ${(100 * (last - first + 1)) / count}%`;
      return span;
    };
    byId('presence').style.setProperty('--color', track.color);
    byId('presence').replaceChildren(
      bar(track.start, track.end - 1, 'found'), ...track.gaps().map(([first, last]) => bar(first, last, 'guessed')));
  }

  byId('play').addEventListener('click', () => player.toggle());
  byId('slider').addEventListener('input', (event) => player.seek(Number(event.target.value)));
  byId('person').addEventListener('change', selectPerson);
  byId('joint').addEventListener('change', selectJoint);
  byId('speed').addEventListener('change', (event) => player.setSpeed(Number(event.target.value)));
  byId('overlay')?.addEventListener('change', (event) => {
    videoView.enabled = event.target.checked;
    videoView.draw(player.frame, track);
  });
  for (const box of document.querySelectorAll('[data-stage]')) {
    box.addEventListener('change', () => {
      for (const view of [poseView, depthCurves]) enqueue(() => view.setHidden(box.dataset.stage, !box.checked));
    });
  }
  document.addEventListener('keydown', (event) => {
    if (event.target.matches('select, [type=checkbox], button')) return;
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const actions = {
      ' ': () => player.toggle(),
      ArrowLeft: () => player.seek(player.frame - 1),
      ArrowRight: () => player.seek(player.frame + 1),
      Home: () => player.seek(0),
      End: () => player.seek(data.times.length - 1),
    };
    if (!(event.key in actions)) return;
    event.preventDefault();
    actions[event.key]();
  });
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', selectPerson);
  selectPerson();
})();
