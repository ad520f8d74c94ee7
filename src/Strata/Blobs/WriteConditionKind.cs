namespace Strata;

/// <summary>The kinds of <see cref="WriteCondition"/>; as flags, what a store claims to honour atomically.</summary>
[Flags]
public enum WriteConditionKind
{
    /// <summary>No condition.</summary>
    None = 0,

    /// <summary>The key must be missing.</summary>
    IfAbsent = 1,

    /// <summary>The key must hold a blob with a given ETag.</summary>
    IfMatch = 2,

    /// <summary>What is there must be older than a given version.</summary>
    IfOlder = 4,

    /// <summary>All of them.</summary>
    All = IfAbsent | IfMatch | IfOlder,
}
