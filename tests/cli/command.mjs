// Runs of `gage`: what it printed and how it ended.

import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { binary } from '../clients/devnode.mjs'

const COMMAND_MILLISECONDS_MAX = 60_000

// Nothing of the caller's own settings.
const environment = Object.fromEntries(
  Object.entries(process.env).filter(([name]) => !name.startsWith('GAGE_') || name === 'GAGE_BIN'),
)

/** Runs `gage` with these arguments; never throws. */
export function gage(args, settings = {}) {
  const options = { env: { ...environment, ...settings }, timeout: COMMAND_MILLISECONDS_MAX }
  return new Promise((resolve) => {
    execFile(binary(), args, options, (error, stdout, stderr) => {
      const code = error ? (error.code ?? error.signal) : 0
      resolve({ code, stdout, stderr })
    })
  })
}

/** `gage` as its users type it, against a node that runs. */
export function typing(node) {
  const as = (who, ...args) =>
    gage(args, { GAGE_RPC_URL: node().url, ...(who ? { GAGE_PRIVATE_KEY: who.key } : {}) })

  /** Done: 0, and what was printed. */
  async function done(who, ...args) {
    const { code, stdout, stderr } = await as(who, ...args)
    assert.equal(code, 0, `gage ${args.join(' ')}\n${stdout}${stderr}`)
    return stdout
  }

  const json = async (who, ...args) => JSON.parse(await done(who, ...args, '--json'))

  /** Refused: not 0, nothing on stdout, the reason on stderr. */
  async function refused(who, line, reason) {
    const { code, stdout, stderr } = await as(who, ...line.split(' ').filter(Boolean))
    assert.ok(code > 0, `gage ${line} ended with ${code}: ${stdout}`)
    assert.equal(stdout, '', line)
    assert.match(stderr, reason, `gage ${line}`)
    assert.doesNotMatch(stderr, /panicked|RUST_BACKTRACE/, line)
  }

  return { done, json, refused }
}
