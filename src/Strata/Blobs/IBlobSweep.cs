namespace Strata;

/// <summary>
/// A facet of stores that remove nothing by themselves, as those in a bucket: takes away what nobody will read again. To be
/// called now and then, by any number of processes; what it leaves the next call takes.
/// </summary>
/// <remarks>Invisible things alone go: expired blobs, tombstones whose time is over, what crashes left of writes and uploads. Each removal holds only if nobody has written there meanwhile.</remarks>
public interface IBlobSweep
{
    /// <summary>Removes what is due.</summary>
    /// <param name="options">What to look at; null for all.</param>
    /// <param name="progress">Told what was done so far, about once for 1,000 objects.</param>
    /// <param name="cancellationToken">Gives up between two objects: what is removed stays so.</param>
    /// <exception cref="StorageException">The store could not be listed, or too many removals failed; some may have been made.</exception>
    ValueTask<SweepResult> SweepAsync(SweepOptions? options = null, IProgress<SweepResult>? progress = null, CancellationToken cancellationToken = default);
}
