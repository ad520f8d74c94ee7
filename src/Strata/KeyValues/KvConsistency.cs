namespace Strata;

/// <summary>Which state of a database a read may see.</summary>
public enum KvConsistency
{
    /// <summary>All that was committed before the read began.</summary>
    Strong,

    /// <summary>A state of some moments ago will do, where that is quicker. Backends on this machine do not tell the two apart.</summary>
    Eventual,
}
