// A `gage dev` process of one's own: every test file starts one and ends it.

import { execFileSync, spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const START_SECONDS_MAX = 60
const STOP_SECONDS_MAX = 15
const POLL_MILLISECONDS = 50

const running = new Set()
process.on('exit', () => running.forEach((child) => child.kill('SIGKILL')))

/** The binary under test. */
export function binary() {
  const path = process.env.GAGE_BIN
  if (!path) throw new Error('GAGE_BIN must name the gage binary')
  return path
}

/** A chain of nothing but coins, kept nowhere, with quick blocks. */
const BARE = ['dev', '--ephemeral', '--no-demo', '--block-time', '0.2']

/** Starts a node on a free port; resolves once its RPC answers. */
export async function startNode(args = BARE) {
  const anyPort = args[0] === 'dev' ? ['--port', '0', '--no-metrics'] : []
  const child = spawn(binary(), [...args, ...anyPort], { stdio: ['ignore', 'pipe', 'pipe'] })
  running.add(child)
  let printed = ''
  let logged = ''
  child.stdout.on('data', (chunk) => (printed += chunk))
  child.stderr.on('data', (chunk) => (logged += chunk))
  const exited = new Promise((resolve) => {
    child.on('error', (error) => resolve({ error }))
    child.on('exit', (code, signal) => resolve({ code, signal }))
  })
  let end
  exited.then((how) => {
    end = how
    running.delete(child)
  })

  const url = await eventually(
    async () => {
      if (end) throw new Fatal(`it ended early: ${JSON.stringify(end)}\n${printed}\n${logged}`)
      const [found] = printed.match(/http:\/\/[\w.]+:\d+/) ?? []
      if (found) await rpc(found, 'eth_chainId')
      return found
    },
    { seconds: START_SECONDS_MAX },
  ).catch((error) => {
    child.kill('SIGKILL')
    throw new Error(`gage ${args.join(' ')} did not start: ${error.message}\n${printed}\n${logged}`)
  })

  return {
    url,
    webSocketUrl: url.replace('http', 'ws'),
    printed: () => printed,
    alive: () => end === undefined,
    /** Ends it, by default as a user would; resolves to its exit code and signal. */
    async stop(signal = 'SIGTERM') {
      child.kill(signal)
      const timer = setTimeout(() => child.kill('SIGKILL'), STOP_SECONDS_MAX * 1000)
      const how = await exited
      clearTimeout(timer)
      return how
    },
  }
}

class Fatal extends Error {}

/** Asks until `probe` neither throws nor answers undefined or false. */
export async function eventually(probe, { seconds = 20 } = {}) {
  const deadline = Date.now() + seconds * 1000
  for (;;) {
    let last = 'no answer yet'
    try {
      const answer = await probe()
      if (answer !== undefined && answer !== false) return answer
    } catch (error) {
      if (error instanceof Fatal) throw error
      last = error.message
    }
    if (Date.now() > deadline) throw new Error(`not within ${seconds} s: ${last}`)
    await new Promise((resolve) => setTimeout(resolve, POLL_MILLISECONDS))
  }
}

/** One raw JSON-RPC request: the whole answer, error or result. */
export async function post(url, body) {
  const response = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: typeof body === 'string' ? body : JSON.stringify(body),
  })
  const text = await response.text()
  let json
  try {
    json = JSON.parse(text)
  } catch {
    json = undefined
  }
  return { status: response.status, text, json }
}

/** One request, its result; an error answer throws with code and data. */
export async function rpc(url, method, ...params) {
  const { text, json } = await post(url, { jsonrpc: '2.0', id: 1, method, params })
  if (json?.error) throw Object.assign(new Error(`${method}: ${json.error.message}`), json.error)
  if (json === undefined || !('result' in json)) throw new Error(`${method}: ${text}`)
  return json.result
}

/** The chain's clock goes on by `seconds`, and a block says so. */
export async function passTime(url, seconds) {
  await rpc(url, 'evm_increaseTime', seconds)
  await rpc(url, 'evm_mine')
}

/** The ABIs as `gage abi` writes them, by interface, each with every custom error. */
export function abis() {
  const folder = mkdtempSync(join(tmpdir(), 'gage-abi-'))
  try {
    execFileSync(binary(), ['abi', '--out', folder])
    const read = (name) => {
      const json = JSON.parse(readFileSync(join(folder, `${name}.json`), 'utf8'))
      return json.abi ?? json
    }
    const errors = read('IGageErrors')
    const token = read('IERC20Permit')
    return {
      asset: [...read('IAsset'), ...token, ...errors],
      rebasing: [...read('IRebasing'), ...token, ...errors],
      vault: [...read('IVault'), ...token, ...errors],
      exit: [...read('IExit'), ...errors],
      market: [...read('IMarket'), ...errors],
      oracle: [...read('IOracle'), ...errors],
      registry: [...read('IRegistry'), ...errors],
      errors,
    }
  } finally {
    rmSync(folder, { recursive: true })
  }
}
