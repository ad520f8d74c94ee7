using System.Reflection;
using Xunit;
using Xunit.Sdk;
using Xunit.v3;

[assembly: TestFramework(typeof(Strata.TimeLimitedTests))]

namespace Strata;

/// <summary>
/// Gives each test a time to end in that names none of its own: one that hangs fails by its name, and the others run. Not in the long
/// form, where a test may take hours. Compiled into each test project.
/// </summary>
public sealed class TimeLimitedTests : XunitTestFramework
{
    /// <summary>Some six times what the slowest test takes where nothing else runs.</summary>
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(8);

    /// <inheritdoc/>
    protected override ITestFrameworkExecutor CreateExecutor(Assembly assembly) =>
        Environment.GetEnvironmentVariable("STRATA_LONG") == "1" ? base.CreateExecutor(assembly) : new Executor(new XunitTestAssembly(assembly, null, assembly.GetName().Version));

    private sealed class Executor(IXunitTestAssembly assembly) : XunitTestFrameworkExecutor(assembly)
    {
        // The one place for it that holds whatever attribute a test has.
        private static readonly PropertyInfo Timeout = typeof(XunitTestCase).GetProperty(nameof(XunitTestCase.Timeout))!;

        public override ValueTask RunTestCases(IReadOnlyCollection<IXunitTestCase> testCases, IMessageSink executionMessageSink, ITestFrameworkExecutionOptions executionOptions, CancellationToken cancellationToken)
        {
            foreach (XunitTestCase test in testCases.OfType<XunitTestCase>().Where(test => test.Timeout == 0)) Timeout.SetValue(test, (int)Limit.TotalMilliseconds);
            return base.RunTestCases(testCases, executionMessageSink, executionOptions, cancellationToken);
        }
    }
}
