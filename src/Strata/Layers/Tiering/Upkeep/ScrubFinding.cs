namespace Strata;

/// <summary>Something that a scrub found wrong.</summary>
/// <param name="Key">The blob; null where a tier could not be listed.</param>
/// <param name="Tier">Where.</param>
/// <param name="Fault">What.</param>
/// <param name="Remedy">What was done about it.</param>
/// <param name="Detail">More, in words for a person.</param>
public sealed record ScrubFinding(BlobKey? Key, string Tier, ScrubFault Fault, ScrubRemedy Remedy, string Detail);
