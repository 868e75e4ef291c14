// The view of photographs: upload, comparison, colours at places. Python decides everything else (photograph_tab.py).
"use strict";

// largest: bytes of one photograph
function colourizeView(element, props, trigger, watch, largest) {
  const find = (name) => element.querySelector(`.${name}`);
  const all = (name) => [...element.querySelectorAll(`.${name}`)];
  let state = { current: "", photographs: [] };
  let newest = state; // the latest answer of Python's, also to an upload
  const older = (answer) => answer.desk === newest.desk && answer.version < newest.version;
  let wanted = ""; // the photograph that was chosen or sent last
  let place = null; // of the keyboard's aim, in shares of the picture

  const WORKING = "Colouring";
  let clock = 0;
  const wait = () => { // the server may end before it answers
    clearTimeout(clock);
    if (find("status").textContent === WORKING) clock = setTimeout(async () => { if (await reached()) wait(); }, 5000);
  };
  const say = (text) => {
    find("status").textContent = text;
    wait();
  };
  const complain = (text) => {
    find("alert").textContent = text;
    find("alert").hidden = !text;
  };

  // ---- questions to Python
  // false, and a line, if the page's server has ended, was started again or has forgotten this browser
  const reached = async () => {
    let text = "The page's server does not answer; start colourize app again";
    try {
      const answer = await fetch("/visit");
      text = answer.ok ? "" : await answer.text();
      if (answer.ok && newest.desk && (await answer.json()).desk !== newest.desk) {
        text = "The page's server no longer has what this page shows; reload the page";
      }
    } catch (error) { /* no answer */ }
    if (text) { complain(text); say(""); }
    return !text;
  };
  let turn = Promise.resolve(); // questions go in the order of the clicks
  const ask = (name, data) => {
    const sent = { of: state.current, ...data }; // of: another tab may show another photograph
    complain("");
    say(WORKING);
    turn = turn.then(async () => { if (await reached()) trigger(name, sent); });
  };

  // ---- uploads
  const send = (file, reference) => new Promise((resolve) => {
    const request = new XMLHttpRequest(), bar = find("bar");
    request.open("POST", `/photographs${reference ? "?reference=true" : ""}`);
    request.setRequestHeader("x-name", encodeURIComponent(file.name || "photograph.png"));
    request.upload.onprogress = (event) => {
      bar.hidden = false;
      bar.value = event.loaded / Math.max(event.total, 1);
      say(event.loaded < event.total ? `Sending ${file.name}` : `Reading ${file.name}`);
      if (event.loaded >= event.total) bar.removeAttribute("value");
    };
    request.onload = () => {
      if (request.status !== 200) return resolve(request.responseText.trim() || `Error ${request.status}`);
      const answer = JSON.parse(request.responseText);
      if (!older(answer)) newest = answer;
      if (!reference) wanted = answer.id;
      return resolve("");
    };
    request.onerror = () => resolve("The page's server does not answer; start colourize app again");
    request.send(file);
  });
  // what need not be sent, since the server would refuse it; an empty text for all else
  const refusal = async (file) => {
    if (/^(video|audio)\//.test(file.type)) return "a film or sound; for films, use the command colourize film";
    if (file.size > largest) return `${Math.ceil(file.size / 1e6)} MB, more than ${Math.floor(largest / 1e6)}; save it smaller, or as JPEG`;
    if (!file.size) return "an empty file; choose another one";
    try { await file.slice(0, 1).arrayBuffer(); } catch (error) { return "a folder, or a file that cannot be read; choose the photographs in it"; }
    return "";
  };
  const upload = async (files, reference = false) => {
    const errors = [];
    complain("");
    if (!await reached()) return;
    for (const file of files) {
      const error = await refusal(file) || await send(file, reference);
      if (error) errors.push(`${file.name}: ${error}`);
    }
    complain(errors.join("\n"));
    say(WORKING);
    find("bar").hidden = errors.length === files.length;
    if (errors.length === files.length) say("");
    else trigger("choose", { of: wanted });
  };
  all("file").forEach((input) => input.addEventListener("change", () => { upload([...input.files]); input.value = ""; }));
  find("refer").addEventListener("change", (event) => { upload([...event.target.files], true); event.target.value = ""; });
  const page = element.ownerDocument;
  page.addEventListener("change", (event) => { if (!element.contains(event.target)) reached(); }); // Gradio's controls
  // enter too: a browser refuses a drop on an element that came under the pointer after the last dragover
  ["dragenter", "dragover"].forEach((kind) => page.addEventListener(kind, (event) => {
    event.preventDefault();
    element.classList.add("over");
  }));
  page.addEventListener("dragleave", (event) => { if (!event.relatedTarget) element.classList.remove("over"); });
  page.addEventListener("drop", (event) => {
    event.preventDefault();
    element.classList.remove("over");
    if (event.dataTransfer.files.length) upload([...event.dataTransfer.files]);
  });
  page.addEventListener("paste", (event) => {
    const files = [...(event.clipboardData || {}).files || []];
    if (files.length) { event.preventDefault(); upload(files); }
  });

  // ---- camera
  const shutter = find("shutter"), video = shutter.querySelector("video");
  const dark = () => {
    (video.srcObject ? video.srcObject.getTracks() : []).forEach((track) => track.stop());
    video.srcObject = null;
  };
  all("camera").forEach((button) => button.addEventListener("click", async () => {
    try {
      video.srcObject = await navigator.mediaDevices.getUserMedia({ video: { facingMode: "environment", width: { ideal: 4096 } } });
      shutter.showModal();
    } catch (error) {
      complain("No camera can be used; allow it in the browser, or choose a file");
    }
  }));
  find("shoot").addEventListener("click", () => {
    if (!video.videoWidth) return; // the camera has not yet sent a picture
    const canvas = page.createElement("canvas");
    [canvas.width, canvas.height] = [video.videoWidth, video.videoHeight];
    canvas.getContext("2d").drawImage(video, 0, 0);
    shutter.close();
    canvas.toBlob((blob) => upload([new File([blob], "camera.png", { type: "image/png" })]), "image/png");
  });
  find("cancel").addEventListener("click", () => shutter.close());
  shutter.addEventListener("close", dark);

  // ---- comparison
  const split = find("split"), frame = find("frame");
  const divide = () => {
    frame.style.setProperty("--at", `${split.value}%`);
    split.setAttribute("aria-valuetext", `${split.value} % grey, ${100 - split.value} % coloured`);
    sessionStorage.setItem("split", split.value);
  };
  split.value = sessionStorage.getItem("split") ?? split.value; // after a reload
  divide();
  const share = (event) => {
    const box = frame.getBoundingClientRect();
    const within = (value) => Math.min(Math.max(value, 0), 1 - 1e-6);
    return [within((event.clientX - box.left) / box.width), within((event.clientY - box.top) / box.height)];
  };
  split.addEventListener("input", divide);
  frame.addEventListener("pointerdown", (event) => {
    if (find("aiming").checked || event.button) return;
    frame.setPointerCapture(event.pointerId);
    const move = (moved) => { split.value = Math.round(100 * share(moved)[0]); divide(); };
    move(event);
    frame.addEventListener("pointermove", move);
    frame.addEventListener("pointerup", () => frame.removeEventListener("pointermove", move), { once: true });
  });
  find("doubt").addEventListener("change", () => show());

  // ---- colours at places
  const target = find("target"), aim = find("aim");
  const hint = ([x, y]) => {
    ask("hint", { x: Math.floor(x * state.width), y: Math.floor(y * state.height), colour: find("paint").value });
  };
  const point = () => {
    aim.style.left = `${100 * place[0]}%`;
    aim.style.top = `${100 * place[1]}%`;
  };
  find("aiming").addEventListener("change", (event) => {
    target.hidden = find("help").hidden = !event.target.checked;
    frame.classList.toggle("picking", event.target.checked);
    if (event.target.checked) { split.value = 0; divide(); } // all in colour, so that the new colour is seen anywhere
  });
  target.addEventListener("click", (event) => { if (event.detail) hint(share(event)); });
  target.addEventListener("focus", () => {
    if (!target.matches(":focus-visible")) return;
    place = place || [0.5, 0.5];
    aim.hidden = false;
    point();
  });
  target.addEventListener("blur", () => { aim.hidden = true; });
  target.addEventListener("keydown", (event) => {
    const steps = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
    if (event.key === "Enter" || event.key === " ") {
      event.preventDefault();
      hint(place || [0.5, 0.5]);
    } else if (event.key in steps) {
      event.preventDefault();
      const by = event.shiftKey ? 0.002 : 0.02;
      place = (place || [0.5, 0.5]).map((at, axis) => Math.min(Math.max(at + by * steps[event.key][axis], 0), 0.999999));
      aim.hidden = false;
      point();
      say(`${Math.floor(place[0] * state.width)}, ${Math.floor(place[1] * state.height)}`);
    }
  });
  ["undo", "clear", "another", "unrefer", "remove"].forEach((name) => find(name).addEventListener("click", () => ask(name)));
  page.addEventListener("keydown", (event) => {
    if ((event.ctrlKey || event.metaKey) && event.key === "z" && !/^(input|textarea)$/i.test(event.target.tagName)
        && (state.hints || []).length) { event.preventDefault(); ask("undo"); }
  });
  find("save").addEventListener("click", () => say("Preparing the full size"));
  find("save-pair").addEventListener("click", () => say("Preparing the full size"));

  // ---- the state from Python
  const load = (image, name) => new Promise((resolve) => {
    image.onload = () => resolve(true);
    image.onerror = () => resolve(false);
    image.src = `/picture/${name}?of=${state.current}&v=${state.version}`;
  });
  const show = async () => {
    const here = Boolean(state.current), unsure = find("unsure"), grey = find("grey"), of = state.current;
    const first = here && find("start").contains(page.activeElement);
    find("start").hidden = here;
    ["compare", "strip", "reference", "command"].forEach((name) => { find(name).hidden = !here; });
    find("samples").hidden = !here || !state.samples;
    if (!here) return;
    if (first) split.focus({ preventScroll: true });
    unsure.hidden = !find("doubt").checked;
    if (!unsure.hidden) load(unsure, "unsure");
    if (grey.dataset.of !== of) {
      delete grey.dataset.of;
      find("compare").style.setProperty("--shape", state.width / state.height);
      frame.classList.toggle("slim", state.width / state.height < 0.3);
      find("colour").removeAttribute("src");
      load(grey, "grey").then((came) => { if (came) grey.dataset.of = of; });
    }
    if (!await load(find("colour"), "colour")) complain("The picture did not come; choose the photograph again");
    frame.dataset.version = state.version;
    samples();
  };
  const node = (kind, attributes, ...inner) => {
    const made = Object.assign(page.createElement(kind), attributes);
    made.append(...inner);
    return made;
  };
  // buttons are made anew; the keyboard stays on the one of the same number
  const remade = (parent, ...made) => {
    const at = [...parent.querySelectorAll("button")].indexOf(page.activeElement);
    parent.replaceChildren(...made);
    const buttons = parent.querySelectorAll("button");
    if (at >= 0 && buttons.length) buttons[Math.min(at, buttons.length - 1)].focus({ preventScroll: true });
  };
  const samples = () => {
    if (!state.samples) return;
    remade(find("row"), ...Array.from({ length: state.samples }, (_, number) => {
      const seed = state.first + number, image = node("img", { alt: `Sample ${number + 1}` });
      const button = node("button", { type: "button", className: "sample" }, image);
      button.setAttribute("aria-pressed", String(seed === state.seed));
      button.addEventListener("click", () => ask("sample", { seed }));
      load(image, `sample${number}`);
      return button;
    }));
  };
  const write = () => {
    find("marks").replaceChildren(...(state.hints || []).map((each) => {
      const mark = node("span", { className: "mark" });
      mark.style.cssText = `left:${100 * (each.x + 0.5) / state.width}%;top:${100 * (each.y + 0.5) / state.height}%;background:${each.colour}`;
      return mark;
    }));
    const hinting = [find("undo"), find("clear")].includes(page.activeElement);
    if (hinting && !(state.hints || []).length) find("aiming").focus({ preventScroll: true });
    ["undo", "clear"].forEach((name) => { find(name).disabled = !(state.hints || []).length; });
    find("notes").replaceChildren(...(state.notes || []).map((text) => node("li", {}, text)));
    remade(find("strip").querySelector("ul"), ...state.photographs.map((each) => {
      const button = node("button", { type: "button", className: "button chosen" }, each.name);
      button.setAttribute("aria-pressed", String(each.id === state.current));
      button.addEventListener("click", () => { wanted = each.id; ask("choose", { of: wanted }); });
      return node("li", {}, button);
    }));
    find("command").querySelector("code").textContent = state.command || "";
    find("referred").hidden = !state.reference;
    find("referred").querySelector(".name").textContent = state.reference || "";
    find("save").setAttribute("download", state.file || "");
    ["save", "save-pair"].forEach((name) => { find(name).search = `?of=${state.current}`; });
  };
  const receive = async () => {
    if (!props.value) return;
    const answer = JSON.parse(props.value);
    if (answer.error) complain(`${answer.error[0].toUpperCase()}${answer.error.slice(1)}`);
    // answers may arrive in another order than Python gave them, and Gradio may leave out all but the last of several
    const stray = answer.current !== wanted && answer.photographs.some((each) => each.id === wanted);
    if (older(answer) || stray) { trigger("choose", { of: wanted }); return; }
    newest = state = answer;
    wanted = state.current;
    write();
    await show();
    find("bar").hidden = true;
    say(state.current ? `${state.name} is coloured` : "");
  };
  watch("value", receive);
  divide();
  receive();
}
