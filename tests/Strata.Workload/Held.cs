namespace Strata.Workload;

/// <summary>What a key holds.</summary>
/// <param name="Content">The step that wrote the content; 0: nothing is there.</param>
/// <param name="Revision">The step that wrote the metadata.</param>
internal readonly record struct Held(long Content, long Revision);
