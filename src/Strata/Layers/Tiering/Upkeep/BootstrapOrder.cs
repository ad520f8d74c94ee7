namespace Strata;

/// <summary>Which blobs a tier is filled with first.</summary>
public enum BootstrapOrder
{
    /// <summary>Those used most, as accesses are counted; among equals, and where nothing is counted, those modified last.</summary>
    Score,

    /// <summary>Those modified last.</summary>
    Modified,
}
