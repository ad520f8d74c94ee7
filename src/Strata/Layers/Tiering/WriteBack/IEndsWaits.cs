namespace Strata;

/// <summary>A facet of stores in which calls wait for another store, which may be out for long: so that closing does not wait with them.</summary>
internal interface IEndsWaits
{
    /// <summary>Those that wait for the other store fail with kind Closed, now and from now on; all else goes on until the store is closed.</summary>
    ValueTask EndWaitsAsync();
}
