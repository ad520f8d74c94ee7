namespace Strata.Workload;

/// <summary>What a KV database keeps its entries in.</summary>
internal enum KvFiles
{
    Log,
    Sqlite,
}
