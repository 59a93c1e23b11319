// SPDX-License-Identifier: MIT
pragma solidity ^0.8.17;

import {PrimaryProdDataServiceConsumerBase} from
    "@redstone-finance/evm-connector/contracts/data-services/PrimaryProdDataServiceConsumerBase.sol";

/// The least consumer of RedStone's main service: gives what the payload behind the call's arguments says.
contract RedStoneReader is PrimaryProdDataServiceConsumerBase {
    function read(bytes32[] calldata feeds) external view returns (uint256[] memory) {
        return getOracleNumericValuesFromTxMsg(feeds);
    }
}
