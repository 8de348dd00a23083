//! Whether this is a continuous-integration machine, and whose.
//!
//! The vendors and the variables they set are those of the `ci-info` package's
//! table. `CI=false` says that it is none.

use super::Variables;

/// How a vendor is recognised.
enum Sign {
    /// The variable is set.
    Set(&'static str),
    /// All of these are set.
    All(&'static [&'static str]),
    /// One of these is set.
    Any(&'static [&'static str]),
    /// The variable has this value.
    Is(&'static str, &'static str),
    /// The variable contains this text.
    Contains(&'static str, &'static str),
}

use Sign::{All, Any, Contains, Is, Set};

const VENDORS: &[(&str, Sign)] = &[
    ("Agola CI", Set("AGOLA_GIT_REF")),
    ("Alpic", Set("ALPIC_HOST")),
    ("Appcircle", Set("AC_APPCIRCLE")),
    ("AppVeyor", Set("APPVEYOR")),
    ("AWS CodeBuild", Set("CODEBUILD_BUILD_ARN")),
    ("Azure Pipelines", Set("TF_BUILD")),
    ("Bamboo", Set("bamboo_planKey")),
    ("Bitbucket Pipelines", Set("BITBUCKET_COMMIT")),
    ("Bitrise", Set("BITRISE_IO")),
    ("Buddy", Set("BUDDY_WORKSPACE_ID")),
    ("Buildkite", Set("BUILDKITE")),
    ("CircleCI", Set("CIRCLECI")),
    ("Cirrus CI", Set("CIRRUS_CI")),
    ("Cloudflare Pages", Set("CF_PAGES")),
    ("Cloudflare Workers", Set("WORKERS_CI")),
    ("Codefresh", Set("CF_BUILD_ID")),
    ("Codemagic", Set("CM_BUILD_ID")),
    ("Codeship", Is("CI_NAME", "codeship")),
    ("Drone", Set("DRONE")),
    ("dsari", Set("DSARI")),
    ("Earthly", Set("EARTHLY_CI")),
    ("Expo Application Services", Set("EAS_BUILD")),
    ("Gerrit", Set("GERRIT_PROJECT")),
    ("Gitea Actions", Set("GITEA_ACTIONS")),
    ("GitHub Actions", Set("GITHUB_ACTIONS")),
    ("GitLab CI", Set("GITLAB_CI")),
    ("GoCD", Set("GO_PIPELINE_LABEL")),
    ("Google Cloud Build", Set("BUILDER_OUTPUT")),
    ("Harness CI", Set("HARNESS_BUILD_ID")),
    ("Heroku", Contains("NODE", "/app/.heroku/node/bin/node")),
    ("Hudson", Set("HUDSON_URL")),
    ("Jenkins", All(&["JENKINS_URL", "BUILD_ID"])),
    ("LayerCI", Set("LAYERCI")),
    ("Magnum CI", Set("MAGNUM")),
    ("Netlify CI", Set("NETLIFY")),
    ("Nevercode", Set("NEVERCODE")),
    ("Prow", Set("PROW_JOB_ID")),
    ("ReleaseHub", Set("RELEASE_BUILD_ID")),
    ("Render", Set("RENDER")),
    ("Sail CI", Set("SAILCI")),
    ("Screwdriver", Set("SCREWDRIVER")),
    ("Semaphore", Set("SEMAPHORE")),
    ("Sourcehut", Is("CI_NAME", "sourcehut")),
    ("Strider CD", Set("STRIDER")),
    ("TaskCluster", All(&["TASK_ID", "RUN_ID"])),
    ("TeamCity", Set("TEAMCITY_VERSION")),
    ("Travis CI", Set("TRAVIS")),
    ("Vela", Set("VELA")),
    ("Vercel", Any(&["NOW_BUILDER", "VERCEL"])),
    ("Visual Studio App Center", Set("APPCENTER_BUILD_ID")),
    ("Woodpecker", Is("CI", "woodpecker")),
    ("Xcode Cloud", Set("CI_XCODE_PROJECT")),
    ("Xcode Server", Set("XCS")),
];

/// What machines set whose vendor has no entry of its own.
const GENERIC: &[&str] = &[
    "BUILD_ID",
    "BUILD_NUMBER",
    "CI",
    "CI_APP_ID",
    "CI_BUILD_ID",
    "CI_BUILD_NUMBER",
    "CI_NAME",
    "CONTINUOUS_INTEGRATION",
    "RUN_ID",
];

/// The vendor's name, or the variable that gives the machine away; none if this
/// is no continuous integration.
pub fn detect(variables: &Variables) -> Option<String> {
    let get = |name: &str| variables.get(name).map(String::as_str).filter(|value| !value.is_empty());
    if get("CI") == Some("false") {
        return None;
    }
    let is_set = |name: &&str| get(name).is_some();
    let vendor = VENDORS.iter().find(|(_, sign)| match sign {
        Set(name) => is_set(name),
        All(names) => names.iter().all(is_set),
        Any(names) => names.iter().any(is_set),
        Is(name, value) => get(name) == Some(value),
        Contains(name, part) => get(name).is_some_and(|value| value.contains(part)),
    });
    match vendor {
        Some((name, _)) => Some((*name).to_owned()),
        None => GENERIC.iter().find(|name| is_set(name)).map(|name| format!("the variable {name}")),
    }
}

#[cfg(test)]
mod tests {
    use super::detect;

    #[test]
    fn tells_vendors_apart() {
        let check = |pairs: &[(&str, &str)], expected: Option<&str>| {
            let variables = pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
            assert_eq!(detect(&variables).as_deref(), expected, "{pairs:?}");
        };
        check(&[], None);
        check(&[("CI", "true")], Some("the variable CI"));
        check(&[("CI", "false"), ("GITHUB_ACTIONS", "true")], None);
        check(&[("CI", "true"), ("GITHUB_ACTIONS", "true")], Some("GitHub Actions"));
        check(&[("JENKINS_URL", "x")], None);
        check(&[("JENKINS_URL", "x"), ("BUILD_ID", "7")], Some("Jenkins"));
        check(&[("CI", "woodpecker")], Some("Woodpecker"));
        check(&[("CI_NAME", "codeship")], Some("Codeship"));
        check(&[("NODE", "/app/.heroku/node/bin/node")], Some("Heroku"));
        check(&[("NOW_BUILDER", "1")], Some("Vercel"));
        check(&[("GITHUB_ACTIONS", "")], None);
    }
}
