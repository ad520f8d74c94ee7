namespace Strata.Cli;

/// <summary>A command whose help has examples.</summary>
internal interface IExplained
{
    /// <summary>Command lines that work as they are written.</summary>
    IReadOnlyList<string> Examples { get; }

    /// <summary>What else the help says; empty for nothing.</summary>
    string Notes { get; }
}
