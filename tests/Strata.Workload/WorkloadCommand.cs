namespace Strata.Workload;

/// <summary>What the program does.</summary>
internal enum WorkloadCommand
{
    /// <summary>Writes, and acknowledges each write.</summary>
    Write,

    /// <summary>Commits to a KV database, and acknowledges each commit.</summary>
    Commit,

    /// <summary>A cache under a mixed load, and what it takes of the machine.</summary>
    Soak,

    /// <summary>One value, in and out.</summary>
    Large,

    /// <summary>Atomic writes to a KV database in SQLite, each acknowledged.</summary>
    SqliteKv,

    /// <summary>A memory cache of a million blobs under writers, and what of it is alive.</summary>
    MemoryBudget,

    /// <summary>What a memory store says that it holds, against what is alive.</summary>
    MemoryAccounts,
}
