// SPDX-License-Identifier: MIT
pragma solidity ^0.8.0;

/// A price feed of one slot, with the one Chainlink method that AaveOracle calls.
contract Feed {
    int256 public latestAnswer;

    function set(int256 answer) external {
        latestAnswer = answer;
    }
}

/// Morpho's oracle as one slot: loan base units per collateral base unit, times 1e36.
contract PairOracle {
    uint256 public price;

    function set(uint256 price_) external {
        price = price_;
    }
}
