namespace Strata.Workload;

/// <summary>What the program does.</summary>
internal enum WorkloadCommand
{
    /// <summary>Writes, and acknowledges each write.</summary>
    Write,

    /// <summary>Writes to a store of several tiers, and acknowledges each write.</summary>
    WriteTiers,

    /// <summary>Commits to a KV database, and acknowledges each commit.</summary>
    Commit,

    /// <summary>A cache under a mixed load, and what it takes of the machine.</summary>
    Soak,

    /// <summary>One value, in and out.</summary>
    Large,

    /// <summary>A memory cache of a million blobs under writers, and what of it is alive.</summary>
    MemoryBudget,

    /// <summary>What a memory store says that it holds, against what is alive.</summary>
    MemoryAccounts,

    /// <summary>Atomic writes to a KV database of either kind, each acknowledged.</summary>
    Kv,

    /// <summary>Messages through a queue of a KV database of either kind: enqueued, handled and counted.</summary>
    Queue,

    /// <summary>One value, up to a store that an address names and down again.</summary>
    Transfer,
}
