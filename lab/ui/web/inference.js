// Two things for the inference app: the frame it stands in is made as tall as its content, and no answer is lost.

(() => {
  const frame = window.frameElement;
  if (!frame) return;
  document.documentElement.classList.add("framed");
  const grow = () => {
    const content = document.querySelector(".gradio-container .main");
    if (content) frame.style.height = Math.ceil(content.getBoundingClientRect().height + 8) + "px";
  };
  const watch = () => {
    const content = document.querySelector(".gradio-container .main");
    if (!content) return setTimeout(watch, 100);
    new ResizeObserver(grow).observe(content);
  };
  watch();
})();

// Gradio 6 has one stream for the answers of a page, which the server closes when nothing is asked any more. A call that is
// taken in at that moment is never answered: the page believes the stream open until the news of its end arrives, and then
// waits for ever. Here the stream goes on, for the page, until nothing is waited for, and is opened again meanwhile.
(() => {
  const plainFetch = window.fetch.bind(window);
  const waited = new Set(); // calls without an answer
  const early = new Set(); // answered before their number was known
  let asking = 0; // calls whose number is not known yet

  async function join(given, options) {
    asking += 1;
    try {
      const response = await plainFetch(given, options);
      if (response.ok) {
        const call = (await response.clone().json()).event_id;
        if (!early.delete(call)) waited.add(call);
      }
      return response;
    } finally {
      asking -= 1;
    }
  }

  // Hands messages on, but for the one that closes the stream; whether that came.
  async function handOn(body, controller) {
    const decoder = new TextDecoder();
    const encoder = new TextEncoder();
    const reader = body.getReader();
    let text = "";
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return false;
      text += decoder.decode(value, { stream: true });
      const messages = text.split("\n\n");
      text = messages.pop();
      for (const message of messages) {
        const said = JSON.parse(message.slice(message.indexOf("{")));
        if (said.msg === "close_stream") return true;
        if (said.msg === "process_completed" && !waited.delete(said.event_id) && asking) early.add(said.event_id);
        controller.enqueue(encoder.encode(message + "\n\n"));
      }
    }
  }

  async function answers(given, options) {
    const request = new Request(given, options);
    const first = await plainFetch(request.clone());
    if (!first.ok || !first.body) return first;
    const body = new ReadableStream({
      async start(controller) {
        try {
          let response = first;
          while (await handOn(response.body, controller)) {
            while (asking) await new Promise((resolve) => setTimeout(resolve, 20));
            if (!waited.size) {
              controller.enqueue(new TextEncoder().encode('data: {"msg": "close_stream"}\n\n'));
              break;
            }
            response = await plainFetch(request.clone());
          }
          controller.close();
        } catch (error) {
          controller.error(error);
        }
      },
    });
    return new Response(body, { status: first.status, headers: first.headers });
  }

  window.fetch = (given, options) => {
    const path = new URL(given instanceof Request ? given.url : given, document.baseURI).pathname;
    if (path.endsWith("/queue/join")) return join(given, options);
    if (path.endsWith("/queue/data")) return answers(given, options);
    return plainFetch(given, options);
  };
})();
