namespace Strata;

/// <summary>What must hold of two tiers before writes are acknowledged by the upper one (CONSISTENCY 8).</summary>
internal static class WriteBackChecks
{
    /// <exception cref="ArgumentException">They cannot be a pair; the message names the culprit and the fix.</exception>
    public static (IStateRows Rows, ICommitPoint CommitPoint) Check(Tier warm, Tier origin, TieringOptions options)
    {
        string store = options.Name;
        options.WriteBack.Check();
        if (!warm.Store.TryGetFacet(out IStateRows? rows) || !rows.Rows.Capabilities.IsDurable || !warm.Store.TryGetFacet(out ICommitPoint? commitPoint))
            throw new ArgumentException($"Tier '{warm.Name}' of store '{store}' cannot acknowledge writes before its origin '{origin.Name}' has them: what it holds must outlive the process. Make it a folder (file:PATH), or set Writes (in the configuration Tiering:Writes) to Through.");
        if (!commitPoint.FlushesCommits)
            throw new ArgumentException($"Tier '{warm.Name}' of store '{store}' acknowledges writes before its origin '{origin.Name}' has them, and does not flush them: a power cut would lose them. Set its durability to flush (in its address durability=flush), or Writes to Through.");
        if (!warm.Store.Capabilities.IsSingleWriter)
            throw new ArgumentException($"Others may write to tier '{warm.Name}' of store '{store}', which acknowledges writes before its origin '{origin.Name}' has them: it must have one owner. Give the store a folder of its own, or set Writes to Through.");
        return (rows, commitPoint);
    }
}
