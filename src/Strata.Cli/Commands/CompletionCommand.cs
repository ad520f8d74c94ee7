using System.CommandLine;

namespace Strata.Cli;

/// <summary><c>strata completion</c>: the shell asks the tool itself (the [suggest] directive) what may come next.</summary>
internal sealed class CompletionCommand : StrataCommand
{
    private const string Bash =
        """
        # strata completion for bash: eval "$(strata completion bash)"
        _strata() {
          local IFS=$'\n'
          COMPREPLY=($(compgen -W "$(strata "[suggest:${COMP_POINT}]" "${COMP_LINE}" 2>/dev/null)" -- "${COMP_WORDS[COMP_CWORD]}"))
        }
        complete -o default -F _strata strata
        """;

    private const string Zsh =
        """
        #compdef strata
        # strata completion for zsh: eval "$(strata completion zsh)"
        _strata() {
          local -a found
          found=("${(@f)$(strata "[suggest:${CURSOR}]" "${BUFFER}" 2>/dev/null)}")
          [[ -n "${found[1]}" ]] && compadd -- "${found[@]}"
          _files
        }
        compdef _strata strata
        """;

    private const string Fish =
        """
        # strata completion for fish: strata completion fish | source
        function __strata_complete
            set -l line (commandline -cp)
            strata "[suggest:"(string length -- $line)"]" "$line" 2>/dev/null
        end
        complete -c strata -a "(__strata_complete)"
        """;

    private readonly Argument<string> _shell = new("SHELL") { Description = "bash, zsh or fish." };

    public CompletionCommand()
        : base(
            "completion",
            "Print a script that teaches a shell to complete this tool's commands and options.",
            "eval \"$(strata completion bash)\"",
            "eval \"$(strata completion zsh)\"",
            "strata completion fish | source")
    {
        _shell.CompletionSources.Add("bash", "zsh", "fish");
        Add(_shell);
    }

    public override string Notes => "With --json: one document {\"shell\",\"script\"}.";

    protected override Task<int> RunAsync(Run run, CancellationToken cancellationToken)
    {
        string shell = run.Parsed.GetRequiredValue(_shell);
        string script = shell switch
        {
            "bash" => Bash,
            "zsh" => Zsh,
            "fish" => Fish,
            _ => throw CliException.Usage($"There is no completion for '{shell}'; there is for bash, zsh and fish."),
        };
        run.Report.Result(script, new ScriptLine(shell, script), JsonLines.Context.ScriptLine);
        return Task.FromResult(ExitCode.Done);
    }
}
