namespace Strata;

/// <summary>The versions of deletes, by which <see cref="WriteCondition.IfOlder"/> refuses an older copy.</summary>
internal static class Tombstones
{
    /// <summary>How long they are kept: longer than the longest request may live (15 minutes; CONSISTENCY 5).</summary>
    public static readonly TimeSpan Retention = TimeSpan.FromHours(1);
}
