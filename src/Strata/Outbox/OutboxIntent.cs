namespace Strata;

/// <summary>What a worker is to send: the current state of a key.</summary>
/// <param name="Key">The key.</param>
/// <param name="Change">Stamp of the last change that is known to be in that state; later ones may be in it, too, and come once more.</param>
/// <param name="Enqueued">When the first of the changes came that are not sent yet, as far as it is known: of changes before the intent was first taken, the last one's.</param>
/// <param name="Attempt">Which attempt at this change it is, from 1 on.</param>
/// <param name="Data">What the last change said of itself.</param>
public sealed record OutboxIntent(string Key, Versionstamp Change, DateTimeOffset Enqueued, int Attempt, ReadOnlyMemory<byte> Data);
