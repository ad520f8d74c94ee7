namespace Strata.Cli;

/// <summary>What a <c>strata cp</c> was asked.</summary>
/// <param name="IsRecursive">Everything below the source.</param>
/// <param name="IsForced">Also what is at the target and equal.</param>
/// <param name="ByChecksum">What is equal is told by checksums, not by times.</param>
/// <param name="IsDryRun">Only tell what would be copied.</param>
internal sealed record CopyChoices(bool IsRecursive, bool IsForced = false, bool ByChecksum = false, bool IsDryRun = false);
