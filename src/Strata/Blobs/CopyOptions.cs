namespace Strata;

/// <summary>How to copy within a store.</summary>
public sealed record CopyOptions
{
    /// <summary>What must hold of the source when it is read; <see cref="WriteConditionKind.IfMatch"/> or none.</summary>
    public WriteCondition SourceCondition { get; init; }

    /// <summary>What must hold of the target at the commit.</summary>
    public WriteCondition Condition { get; init; }

    /// <summary>Null keeps the source's types, metadata and expiry; else these replace all of them.</summary>
    public BlobChanges? Replace { get; init; }
}
