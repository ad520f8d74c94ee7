namespace Strata;

/// <summary>One store of a <see cref="FanoutBlobStore"/>.</summary>
public sealed record FanoutLayer
{
    /// <summary>Its name in messages, statistics and the outbox, the same at every start: 1 to 40 letters, digits, <c>-</c>, <c>_</c> and <c>.</c></summary>
    public required string Name { get; init; }

    /// <summary>The store.</summary>
    public required IBlobStore Store { get; init; }
}
