namespace Strata;

/// <summary>Where an <see cref="Outbox"/> sends: takes the current state of a key there.</summary>
public interface IOutboxTarget
{
    /// <summary>
    /// Takes a key's state as it is now to the target, whatever it was when the intent came: several changes may have become one
    /// intent. To do so again must do no harm: an intent whose worker dies is sent once more.
    /// </summary>
    /// <param name="intent">What is to be sent.</param>
    /// <param name="cancellationToken">
    /// The intent is no longer this worker's (its lease could not be renewed), or the worker was stopped and has waited long enough.
    /// </param>
    /// <returns>What came of it. An exception is a failure of this intent, like <see cref="OutboxOutcomeKind.Failed"/>.</returns>
    ValueTask<OutboxOutcome> SendAsync(OutboxIntent intent, CancellationToken cancellationToken);
}
