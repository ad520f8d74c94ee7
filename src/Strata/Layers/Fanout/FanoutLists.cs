namespace Strata;

/// <summary>What a <see cref="FanoutBlobStore"/> lists.</summary>
public enum FanoutLists
{
    /// <summary>The keys of all layers that are read, each once.</summary>
    Merge,

    /// <summary>Those of the first layer that is read, which must hold them all; what it has missed and does not have yet is listed with them.</summary>
    First,
}
