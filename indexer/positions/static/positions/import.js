// What is pasted goes as a file: text fields of forms are kept small by the server, files may be as large as a list is.
const paste = document.getElementById("paste");
const pasted = document.getElementById("id_pasted");

function takePasted() {
    const files = new DataTransfer();
    if (paste.value.trim()) {
        files.items.add(new File([paste.value], "pasted.json", { type: "application/json" }));
    }
    pasted.files = files.files;
}

function say(title, text) {
    const card = document.createElement("div");
    card.className = "fp-card fp-refusal";
    card.append(Object.assign(document.createElement("h2"), { textContent: title }));
    card.append(Object.assign(document.createElement("p"), { textContent: text }));
    document.getElementById("findings").replaceChildren(card);
}

paste.addEventListener("input", takePasted);
// A browser that goes back restores the text, not the file made of it.
takePasted();

document.body.addEventListener("htmx:beforeSwap", (event) => {
    // Refusals are pages, too, and say what is wrong; what is no page at all is said in our own words.
    event.detail.shouldSwap = event.detail.xhr.responseText.includes('id="findings"');
    if (!event.detail.shouldSwap) {
        say("The server could not answer", "Load this page again; if it happens again, the server's log says why.");
    }
});
document.body.addEventListener("htmx:sendError", () => say("The server was not reached", "Try again in some seconds."));
