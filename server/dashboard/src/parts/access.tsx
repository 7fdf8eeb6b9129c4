// Reading needs nothing; to trade or to move a leadership the reader gives the node's token.

import { useSignal } from '@preact/signals';
import { useRef } from 'preact/hooks';

import { setToken, token } from '../api/client';

export function AccessButton() {
  const dialog = useRef<HTMLDialogElement>(null);
  const text = useSignal('');
  const close = () => dialog.current?.close();
  return (
    <>
      <button type="button" onClick={() => dialog.current?.showModal()}>
        {token.value ? 'Changes unlocked' : 'Unlock changes'}
      </button>
      <dialog ref={dialog} class="dialog" aria-labelledby="access-title">
        <form
          onSubmit={(event) => {
            event.preventDefault();
            setToken(text.value.trim());
            text.value = '';
            close();
          }}
        >
          <h2 id="access-title">Enter orders and move leaderships</h2>
          <p class="muted">
            The node’s <code>http.token</code>, or to move leaderships its{' '}
            <code>http.operator_token</code> if it has one. It is kept in this tab until it is
            closed, and sent only to this node.
          </p>
          <label>
            Token
            <input
              type="password"
              autocomplete="off"
              value={text.value}
              onInput={(event) => (text.value = event.currentTarget.value)}
            />
          </label>
          <div class="choices">
            <button type="submit" class="primary" disabled={!text.value.trim()}>
              Use it
            </button>
            {token.value && (
              <button
                type="button"
                onClick={() => {
                  setToken('');
                  close();
                }}
              >
                Forget it
              </button>
            )}
            <button type="button" onClick={close}>
              Cancel
            </button>
          </div>
        </form>
      </dialog>
    </>
  );
}
