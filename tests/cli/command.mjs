// One run of `gage`: what it printed and how it ended.

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
