// Shows a page about workers as it is now: asks every two seconds, and puts in what differs. What is being read, pressed
// or opened stays as it is, so elements are compared by their data-key, and those with data-parts part by part.
const EVERY = 2000;
const now = document.getElementById("now");
const unreached = document.getElementById("unreached");
const log = () => document.querySelector(".fp-log");
let heard = new Date();

function put(old, fresh) {
    if (old.hasAttribute("data-fixed") || old.isEqualNode(fresh)) {
        return old;
    }
    if (!fresh.hasAttribute("data-parts")) {
        old.replaceWith(fresh);
        return fresh;
    }
    putParts(old, fresh);
    return old;
}

function putParts(old, fresh) {
    const key = (part, place) => part.dataset.key ?? String(place);
    const known = new Map([...old.children].map((part, place) => [key(part, place), part]));
    let place = old.firstElementChild;
    [...fresh.children].forEach((part, number) => {
        const same = known.get(key(part, number));
        if (!same) {
            old.insertBefore(part, place);
            return;
        }
        if (same !== place) {
            old.insertBefore(same, place);
        }
        place = put(same, part).nextElementSibling;
    });
    while (place) {
        const next = place.nextElementSibling;
        place.remove();
        place = next;
    }
}

// Whoever reads the end of the log sees new lines come; whoever has gone up in it stays there.
function keepAtItsEnd(change) {
    const before = log();
    const atEnd = before && before.scrollHeight - before.scrollTop - before.clientHeight < 8;
    change();
    if (atEnd) {
        log().scrollTop = log().scrollHeight;
    }
}

function say(words) {
    unreached.hidden = !words;
    unreached.textContent = words;
}

async function ask() {
    const answer = await fetch(now.dataset.address, { signal: AbortSignal.timeout(10_000) });
    if (answer.redirected) {
        return "You are logged in no more: load this page again.";
    }
    if (!answer.ok) {
        return `The server answers ${answer.status}. What is shown is of ${heard.toLocaleTimeString()}.`;
    }
    const fresh = document.createElement("div");
    fresh.innerHTML = await answer.text();
    keepAtItsEnd(() => putParts(now, fresh));
    heard = new Date();
    return "";
}

async function again() {
    if (!document.hidden) {
        say(await ask().catch(() => `The server is not reached. What is shown is of ${heard.toLocaleTimeString()}.`));
    }
    setTimeout(again, EVERY);
}

if (log()) {
    log().scrollTop = log().scrollHeight;
}
setTimeout(again, EVERY);
