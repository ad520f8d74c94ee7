namespace Strata;

/// <summary>How long something that the origin said may be relied on.</summary>
/// <param name="Until">On the context's monotonic clock; <see cref="long.MaxValue"/>: as long as nobody writes.</param>
/// <param name="Epoch">The trust epoch in which the origin was asked.</param>
internal readonly record struct TrustStamp(long Until, int Epoch);
