namespace Strata;

/// <summary>
/// What finishes a batch at the moment when it gets its place among all commits: what it adds, such as a stamp that grows from
/// commit to commit, is in the order of the log.
/// </summary>
internal interface ILogPlacement
{
    /// <summary>
    /// Adds what belongs at the batch's end. Its expectations hold, and no other batch is placed meanwhile; what it throws, the
    /// commit throws, and nothing is applied. Called again for a batch that the disk refused and that is tried once more: the
    /// end that it had is taken off first (<see cref="LogBatch.TakeOffEnd"/>).
    /// </summary>
    void Place(LogBatch batch);

    /// <summary>An entry of the end is what readers find from now on. Called in the order of the entries, once the batch is committed.</summary>
    /// <param name="index">Which of them, from 0 on.</param>
    /// <param name="location">Where it is.</param>
    /// <param name="previous">What it takes the place of; unknown: there was nothing.</param>
    void Published(int index, LogLocation location, LogLocation previous);
}
