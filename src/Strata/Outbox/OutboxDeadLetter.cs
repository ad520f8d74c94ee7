namespace Strata;

/// <summary>An intent that was given up.</summary>
/// <param name="Key">The key.</param>
/// <param name="Attempts">How often it was sent.</param>
/// <param name="Enqueued">When it came.</param>
/// <param name="GivenUp">When it was given up.</param>
/// <param name="Error">What the last attempt failed with.</param>
/// <param name="Data">What its change said of itself.</param>
public sealed record OutboxDeadLetter(string Key, int Attempts, DateTimeOffset Enqueued, DateTimeOffset GivenUp, string Error, ReadOnlyMemory<byte> Data);
