// Compiles the peers' and the price providers' contracts and the plain ones of this folder to ../cache/<Contract>.json,
// each with the settings its authors deploy with. Does nothing when the cache is up to date; installs
// the packages of package-lock.json when it is not. What else the providers' packages depend on, their Solidity
// does not need; package.json overrides it with nothing.
//
// An artifact is { bytecode, links: [{ library, offsets }], errors: [{ name, inputs }] }: the creation
// code with zeros where the addresses of linked libraries (offsets in bytes) must go.

import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const here = dirname(fileURLToPath(import.meta.url));
const cache = process.argv[2] ?? join(here, '..', 'cache');
const modules = join(here, 'node_modules');
const require = createRequire(import.meta.url);

const MOCKS = ['Token.sol', 'Feeds.sol', 'CurveIrm.sol', 'KinkedIrm.sol', 'RedStoneReader.sol'];
const AAVE = '@aave-dao/aave-v3-origin/src/contracts';
const STREAMS = '@chainlink/contracts/src/v0.8/llo-feeds/v0.5.0';

/// Contracts that a package has as creation code only, in TypeChain's factories.
const PUBLISHED = {
  ExportedMessages:
    '@certusone/wormhole-sdk/lib/cjs/ethers-contracts/factories/Messages.t.sol/ExportedMessages__factory.js',
};

/// One run of one compiler: where its sources are, how they are compiled, what is kept.
const BUILDS = [
  {
    // foundry.toml of morpho-blue, profile `build`.
    solc: 'solc-0.8.19',
    settings: { viaIR: true, optimizer: { enabled: true, runs: 999999 }, evmVersion: 'paris' },
    contracts: { '@morpho-org/morpho-blue/src/Morpho.sol': ['Morpho'] },
  },
  {
    // foundry.toml of aave-v3-origin.
    solc: 'solc-0.8.27',
    settings: {
      optimizer: { enabled: true, runs: 200 },
      evmVersion: 'shanghai',
      remappings: ['openzeppelin-contracts/contracts/=@openzeppelin/contracts/'],
    },
    contracts: {
      [`${AAVE}/protocol/configuration/PoolAddressesProvider.sol`]: ['PoolAddressesProvider'],
      [`${AAVE}/protocol/configuration/ACLManager.sol`]: ['ACLManager'],
      [`${AAVE}/instances/PoolInstance.sol`]: ['PoolInstance'],
      [`${AAVE}/instances/PoolConfiguratorInstance.sol`]: ['PoolConfiguratorInstance'],
      [`${AAVE}/instances/ATokenInstance.sol`]: ['ATokenInstance'],
      [`${AAVE}/instances/VariableDebtTokenInstance.sol`]: ['VariableDebtTokenInstance'],
      [`${AAVE}/misc/AaveOracle.sol`]: ['AaveOracle'],
      [`${AAVE}/misc/DefaultReserveInterestRateStrategyV2.sol`]: ['DefaultReserveInterestRateStrategyV2'],
      [`${AAVE}/protocol/libraries/helpers/Errors.sol`]: ['Errors'],
      [`${AAVE}/protocol/libraries/logic/BorrowLogic.sol`]: ['BorrowLogic'],
      [`${AAVE}/protocol/libraries/logic/ConfiguratorLogic.sol`]: ['ConfiguratorLogic'],
      [`${AAVE}/protocol/libraries/logic/FlashLoanLogic.sol`]: ['FlashLoanLogic'],
      [`${AAVE}/protocol/libraries/logic/LiquidationLogic.sol`]: ['LiquidationLogic'],
      [`${AAVE}/protocol/libraries/logic/PoolLogic.sol`]: ['PoolLogic'],
      [`${AAVE}/protocol/libraries/logic/SupplyLogic.sol`]: ['SupplyLogic'],
    },
  },
  {
    // foundry.toml of @chainlink/contracts, profile `llo-feeds`.
    solc: 'solc-0.8.19',
    settings: {
      optimizer: { enabled: true, runs: 1000000 },
      evmVersion: 'paris',
      remappings: ['@openzeppelin/contracts@4.8.3/=@openzeppelin/contracts-4.8.3/'],
    },
    contracts: {
      [`${STREAMS}/VerifierProxy.sol`]: ['VerifierProxy'],
      [`${STREAMS}/Verifier.sol`]: ['Verifier'],
    },
  },
  {
    // RedStone's base contract; its package does not say how it is compiled.
    solc: 'solc-0.8.27',
    settings: { optimizer: { enabled: true, runs: 999999 }, evmVersion: 'shanghai' },
    contracts: { 'RedStoneReader.sol': ['RedStoneReader'] },
  },
  {
    // Ours: as cheap as the optimiser makes them, so that the peers pay little for their surroundings.
    solc: 'solc-0.8.27',
    settings: { viaIR: true, optimizer: { enabled: true, runs: 999999 }, evmVersion: 'shanghai' },
    contracts: {
      'Token.sol': ['Token'],
      'Feeds.sol': ['Feed', 'PairOracle'],
      'CurveIrm.sol': ['CurveIrm'],
      'KinkedIrm.sol': ['KinkedIrm'],
    },
  },
];

/// Everything an artifact depends on.
function fingerprint() {
  const hash = createHash('sha256');
  for (const file of ['package-lock.json', 'compile.mjs', ...MOCKS]) hash.update(readFileSync(join(here, file)));
  return hash.digest('hex');
}

function source(path) {
  return readFileSync(MOCKS.includes(path) ? join(here, path) : join(modules, path), 'utf8');
}

function find(path) {
  try {
    return { contents: source(path) };
  } catch (error) {
    return { error: String(error) };
  }
}

function compile({ solc, settings, contracts }) {
  const input = {
    language: 'Solidity',
    sources: Object.fromEntries(Object.keys(contracts).map((path) => [path, { content: source(path) }])),
    settings: {
      ...settings,
      metadata: { bytecodeHash: 'none' },
      outputSelection: { '*': { '*': ['abi', 'evm.bytecode.object', 'evm.bytecode.linkReferences'] } },
    },
  };
  const output = JSON.parse(require(solc).compile(JSON.stringify(input), { import: find }));
  const errors = (output.errors ?? []).filter((message) => message.severity === 'error');
  if (errors.length > 0) throw new Error(errors.map((message) => message.formattedMessage).join('\n'));
  return output.contracts;
}

function artifact({ abi, evm }) {
  const links = Object.values(evm.bytecode.linkReferences).flatMap((libraries) =>
    Object.entries(libraries).map(([library, places]) => ({ library, offsets: places.map(({ start }) => start) })),
  );
  const errors = abi
    .filter(({ type }) => type === 'error')
    .map(({ name, inputs }) => ({ name, inputs: inputs.map(({ type }) => type) }));
  return { bytecode: evm.bytecode.object.replace(/__\$[0-9a-f]{34}\$__/g, '0'.repeat(40)), links, errors };
}

/// What a TypeChain factory deploys.
function published(path) {
  const bytecode = /_bytecode = "0x([0-9a-f]+)"/.exec(readFileSync(join(modules, path), 'utf8'));
  if (bytecode === null) throw new Error(`no creation code in ${path}`);
  return { bytecode: bytecode[1], links: [], errors: [] };
}

const stamp = join(cache, 'stamp');
const wanted = fingerprint();
if (existsSync(stamp) && readFileSync(stamp, 'utf8') === wanted) process.exit(0);

// Standard output belongs to the benchmark's results.
const install = spawnSync('npm', ['ci'], { cwd: here, stdio: ['ignore', 2, 2] });
if (install.status !== 0) throw new Error(`npm ci failed in ${here}`);

rmSync(stamp, { force: true });
mkdirSync(cache, { recursive: true });
for (const build of BUILDS) {
  const names = Object.values(build.contracts).flat();
  console.error(`compiling with ${build.solc}: ${names.join(', ')}`);
  const compiled = compile(build);
  for (const [path, wantedNames] of Object.entries(build.contracts)) {
    for (const name of wantedNames) {
      writeFileSync(join(cache, `${name}.json`), JSON.stringify(artifact(compiled[path][name])));
    }
  }
}
for (const [name, path] of Object.entries(PUBLISHED)) {
  writeFileSync(join(cache, `${name}.json`), JSON.stringify(published(path)));
}
writeFileSync(stamp, wanted);
