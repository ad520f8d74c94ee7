namespace Strata.Cli;

/// <summary>What a command does with a store that it opens.</summary>
internal enum StoreUse
{
    /// <summary>It reads: a data folder that is not there is an error, not a new, empty one.</summary>
    Reading,

    /// <summary>It writes, without conditions.</summary>
    Writing,

    /// <summary>It writes under conditions, which the store must honour.</summary>
    WritingUnderConditions,
}
